-- The roles that the application switches to; run by the owner before every migration.
-- Roles belong to the whole cluster: they may be there already, made for another database or by an administrator.

DO $$
DECLARE
    role       text;
    can_switch boolean;
BEGIN
    FOREACH role IN ARRAY ARRAY['duro_core', 'duro_sandbox', 'duro_live', 'duro_sandbox_scan', 'duro_live_scan']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE', role);
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = role AND (rolsuper OR rolbypassrls)) THEN
            RAISE insufficient_privilege USING
                MESSAGE = format('role %s is a superuser or bypasses row security, so it would see every tenant', role),
                HINT = format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS', role);
        END IF;

        -- Since PostgreSQL 16 the maker of a role may give it away but not switch to it without a grant of its own.
        IF current_setting('server_version_num')::integer >= 160000 THEN
            can_switch := pg_has_role(role, 'SET');
        ELSE
            can_switch := pg_has_role(role, 'MEMBER');
        END IF;
        CONTINUE WHEN can_switch;
        BEGIN
            IF current_setting('server_version_num')::integer >= 160000 THEN
                -- Not inherited: the owner is not to fall under the policies of the roles.
                EXECUTE format('GRANT %I TO CURRENT_USER WITH SET TRUE, INHERIT FALSE', role);
            ELSE
                EXECUTE format('GRANT %I TO CURRENT_USER', role);
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE insufficient_privilege USING
                MESSAGE = format('role %s was made by somebody else, and %s may not switch to it', role, current_user),
                HINT = format('As a superuser: GRANT %I TO %I', role, current_user);
        END;
    END LOOP;
END
$$;
